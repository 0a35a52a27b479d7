<?xml version="1.0" encoding="UTF-8"?>
<!-- Names, identifiers, addresses: one person or structure, as lines or in a sentence. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 r">

  <xsl:template match="*" mode="lines">
    <xsl:variable name="name" select="*[self::v3:assignedPerson or self::v3:associatedPerson
        or self::v3:informationRecipient or self::v3:relatedPerson or self::v3:guardianPerson]/v3:name"/>
    <xsl:if test="normalize-space($name)">
      <div class="line"><strong><xsl:apply-templates select="$name[1]" mode="name"/></strong></div>
    </xsl:if>
    <xsl:apply-templates select="v3:assignedAuthoringDevice" mode="line"/>
    <xsl:if test="v3:code/@displayName">
      <div class="line"><xsl:value-of select="v3:code/@displayName"/></div>
    </xsl:if>
    <xsl:apply-templates select="v3:id" mode="line"/>
    <xsl:apply-templates select="*[self::v3:addr or self::v3:telecom]" mode="line"/>
    <xsl:apply-templates select="*[self::v3:representedOrganization or self::v3:scopingOrganization
        or self::v3:receivedOrganization or self::v3:representedCustodianOrganization
        or self::v3:guardianOrganization or self::v3:wholeOrganization]" mode="organization"/>
  </xsl:template>

  <!-- a person in the middle of a sentence -->
  <xsl:template match="*" mode="inline">
    <xsl:apply-templates select="v3:assignedPerson/v3:name[1]" mode="name"/>
    <xsl:value-of select="normalize-space(concat(v3:assignedAuthoringDevice/v3:softwareName, ' ',
                                                 v3:assignedAuthoringDevice/v3:manufacturerModelName))"/>
    <xsl:if test="v3:code/@displayName"> (<xsl:value-of select="v3:code/@displayName"/>)</xsl:if>
    <xsl:if test="normalize-space(v3:representedOrganization/v3:name)">, <xsl:value-of
        select="normalize-space(v3:representedOrganization/v3:name)"/></xsl:if>
  </xsl:template>

  <xsl:template match="v3:assignedAuthoringDevice" mode="line">
    <div class="line"><strong><xsl:value-of select="normalize-space(v3:softwareName)"/></strong></div>
    <xsl:if test="normalize-space(v3:manufacturerModelName)">
      <div class="line"><xsl:value-of select="normalize-space(v3:manufacturerModelName)"/></div>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="organization">
    <xsl:if test="normalize-space(v3:name)">
      <div class="line"><xsl:value-of select="normalize-space(v3:name)"/></div>
    </xsl:if>
    <xsl:apply-templates select="v3:id" mode="line"/>
    <xsl:if test="v3:standardIndustryClassCode/@displayName">
      <div class="line"><xsl:value-of select="v3:standardIndustryClassCode/@displayName"/></div>
    </xsl:if>
    <xsl:apply-templates select="*[self::v3:addr or self::v3:telecom]" mode="line"/>
    <xsl:apply-templates select="v3:asOrganizationPartOf/v3:wholeOrganization" mode="organization"/>
  </xsl:template>

  <xsl:template match="v3:name" mode="name">
    <xsl:choose>
      <xsl:when test="v3:family or v3:given">
        <xsl:variable name="said">
          <xsl:apply-templates select="v3:prefix" mode="word">
            <xsl:with-param name="titled" select="v3:suffix = 'DR' or v3:suffix = 'PR'"/>
          </xsl:apply-templates>
          <xsl:apply-templates select="v3:suffix" mode="word"/>
          <xsl:apply-templates select="v3:given" mode="word"/>
          <xsl:apply-templates select="v3:family" mode="word"/>
        </xsl:variable>
        <xsl:value-of select="normalize-space($said)"/>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="normalize-space()"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="*" mode="word"><xsl:value-of select="concat(' ', .)"/></xsl:template>

  <xsl:template match="v3:prefix" mode="word">
    <xsl:param name="titled"/>
    <xsl:choose>
      <xsl:when test=". = 'M'"> M.</xsl:when>
      <xsl:when test=". = 'MME'"> Mme</xsl:when>
      <xsl:otherwise><xsl:value-of select="concat(' ', .)"/></xsl:otherwise>
    </xsl:choose>
    <xsl:if test="$titled"> le</xsl:if>
  </xsl:template>

  <xsl:template match="v3:suffix" mode="word">
    <xsl:choose>
      <xsl:when test=". = 'DR'"> Dr</xsl:when>
      <xsl:when test=". = 'PR'"> Pr</xsl:when>
      <xsl:when test=". = 'MC'"> médecin en chef</xsl:when>
      <xsl:when test=". = 'MG'"> médecin général</xsl:when>
      <xsl:when test=". = 'PC'"> pharmacien en chef</xsl:when>
      <xsl:when test=". = 'PG'"> pharmacien général</xsl:when>
      <xsl:otherwise><xsl:value-of select="concat(' ', .)"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- national identifiers begin with a digit that says which register they are of -->
  <xsl:template match="v3:id" mode="line">
    <xsl:variable name="register" select="substring(@extension, 1, 1)"/>
    <xsl:if test="normalize-space(@extension)">
      <div class="line id">
        <xsl:choose>
          <xsl:when test="@root = '1.2.250.1.71.4.2.1' and $register = '8' and string-length(@extension) = 12">
            <xsl:value-of select="concat('RPPS ', substring(@extension, 2))"/>
          </xsl:when>
          <xsl:when test="@root = '1.2.250.1.71.4.2.2' and $register = '1' and string-length(@extension) = 10">
            <xsl:value-of select="concat('FINESS ', substring(@extension, 2))"/>
          </xsl:when>
          <xsl:when test="@root = '1.2.250.1.71.4.2.2' and $register = '3'">
            <xsl:value-of select="concat('SIRET ', substring(@extension, 2))"/>
          </xsl:when>
          <xsl:otherwise><xsl:value-of select="concat('Identifiant ', @extension)"/></xsl:otherwise>
        </xsl:choose>
      </div>
    </xsl:if>
  </xsl:template>

  <xsl:template match="v3:id" mode="oid">
    <xsl:value-of select="@root"/>
    <xsl:if test="@extension"><xsl:value-of select="concat('^', @extension)"/></xsl:if>
  </xsl:template>

  <xsl:template match="v3:addr" mode="line">
    <xsl:if test="normalize-space()">
      <div class="line">
        <!-- each part ends with a comma, which the last one loses: nothing looks around itself -->
        <xsl:variable name="parts">
          <xsl:for-each select="node()[self::text() or self::v3:*]">
            <xsl:value-of select="."/>
            <xsl:choose>
              <xsl:when test="self::v3:houseNumber or self::v3:streetNameType or self::v3:postalCode">
                <xsl:text> </xsl:text>
              </xsl:when>
              <xsl:when test="normalize-space()">, </xsl:when>
            </xsl:choose>
          </xsl:for-each>
        </xsl:variable>
        <xsl:variable name="said" select="normalize-space($parts)"/>
        <xsl:choose>
          <xsl:when test="substring($said, string-length($said)) = ','">
            <xsl:value-of select="substring($said, 1, string-length($said) - 1)"/>
          </xsl:when>
          <xsl:otherwise><xsl:value-of select="$said"/></xsl:otherwise>
        </xsl:choose>
      </div>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
